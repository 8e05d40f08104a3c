"""The assembly: the web application, the command line, the processes."""
