"""The console: server-rendered pages for public servants. A file that they choose stays in their browser."""
