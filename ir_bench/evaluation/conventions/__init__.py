"""One run scored as other toolkits score it: a convention is a set of rules, one file per toolkit."""
