mod expansion;
