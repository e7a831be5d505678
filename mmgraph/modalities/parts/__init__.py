"""Raw values taken apart: pictures without some regions, texts without some words."""
