"""What every program on particle images shares: their optics, one judge of them, and the prepared stack."""
