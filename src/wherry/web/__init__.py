"""The dashboard at ``/ui/``: pages made from what the service answers; nothing is decided here."""
