"""A folder of one's own photos, untouched and anonymized."""
