"""The console's pages, one module for each; `bot.web.application` lists their routes."""
