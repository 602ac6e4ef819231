"""Picking by hand and automatic picking with live thresholds."""
