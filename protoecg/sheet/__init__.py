"""How ECG paper is laid out, whatever draws it: leads, scale, pulse, filters, colours, rows."""
