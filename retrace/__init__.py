"""What every problem needs, and nothing that is true of one problem only."""
