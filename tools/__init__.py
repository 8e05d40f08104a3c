"""What the project is built and measured with; nothing here runs in the system."""
