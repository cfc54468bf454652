package console

import "context"

// views are the pages by their address.
func (c *console) views() map[string]view {
	return map[string]view{
		"GET /{$}":    c.claimList,
		"GET /claims": c.claimList,
		"GET /help": func(context.Context, *request) (*page, error) {
			return &page{Title: "Keys and help", Body: "help"}, nil
		},
	}
}
