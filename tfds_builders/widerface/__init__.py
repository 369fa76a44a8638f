"""WIDER FACE with easy, medium and hard flags, untouched and anonymized."""
