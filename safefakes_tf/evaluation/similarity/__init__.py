"""Image metrics between original and anonymized faces. Source: metrics.md."""
