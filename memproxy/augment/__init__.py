"""Background work: messages become facts."""
