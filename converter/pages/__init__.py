"""Pages: what all HTML pages are made of. Each is one file that loads nothing.

Modules, in dependency order:

    style  template and style sheet
    parts  headings, tables, numbers, bars, swatches and images as HTML
"""
