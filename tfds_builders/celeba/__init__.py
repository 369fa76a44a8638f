"""CelebA: one known person per photo, untouched and anonymized."""
