"""The only room that speaks SQL: one module per noun, named queries in sql/."""
