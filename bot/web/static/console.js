// What the console's pages do in the browser beyond htmx. They work without it, only less comfortably.
"use strict";
