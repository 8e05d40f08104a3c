"""What every room needs: settings, database, clock, access, errors, the city's data."""
