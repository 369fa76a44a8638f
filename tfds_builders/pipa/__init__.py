"""PIPA: heads in photo albums, with identities, untouched and anonymized."""
