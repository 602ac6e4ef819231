"""Small parts of which the widgets are made: buttons, messages, logs, figures that change in place, links."""
