"""SQL is the truth: tables, schema migrations, change feed, one function per question."""
