"""Privacy: erasure (art. 17 GDPR), series with their retention dates (TAAD), and the DPIA record of each series."""
