"""Flickr Diverse Faces: context crops of one face each, untouched and anonymized."""
