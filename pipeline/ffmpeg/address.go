package ffmpeg

import (
	"net/url"
	"slices"
	"strings"
)

// ShownAddress returns the part of an input's name that may be shown or written to a
// log. Of an address this is scheme, host and path: user name, password, query and
// fragment are left out, because cameras take passwords and tokens there. Another name
// is returned as it is.
func ShownAddress(name string) string {
	u, err := url.Parse(name)
	if err == nil && u.Host != "" {
		return shownURL(u)
	}
	// An address that cannot be read may hold a password, and so may one behind another
	// protocol of ffmpeg's (cache:https://...).
	if scheme, _, ok := strings.Cut(name, "://"); ok {
		return scheme + "://..."
	}
	if scheme, _, ok := strings.Cut(name, ":"); ok && slices.Contains([]string{"rtsp", "rtsps", "http", "https"}, strings.ToLower(scheme)) {
		return scheme + "://..."
	}
	return name
}

func shownURL(u *url.URL) string {
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	return shown.String()
}

// HideAddress returns a func that takes every secret of an address out of a text,
// such as the message of another program.
func HideAddress(name string) *strings.Replacer {
	u, err := url.Parse(name)
	if err != nil || u.Host == "" {
		return strings.NewReplacer()
	}
	return hideAddress(u, name)
}

// hideAddress returns a func that takes every secret of an address out of a text, in the
// forms in which programs repeat it. arg is the address that ffmpeg gets.
func hideAddress(u *url.URL, arg string) *strings.Replacer {
	var pairs []string
	hide := func(text, by string) {
		if text != "" && text != by {
			pairs = append(pairs, text, by)
		}
	}
	shown := shownURL(u)
	hide(arg, shown)
	hide(u.String(), shown)
	hide(listName, shown)
	hide(u.Redacted(), shown)
	if u.User != nil {
		hide(u.User.String()+"@", "")
		hide(u.User.Username()+":xxxxx@", "")
		if password, ok := u.User.Password(); ok {
			_, raw, _ := strings.Cut(u.User.String(), ":")
			hide(raw, "xxxxx")
			hide(password, "xxxxx")
		}
	}
	if u.RawQuery != "" {
		hide("?"+u.RawQuery, "")
		hide(u.RawQuery, "xxxxx")
		for _, values := range u.Query() {
			for _, v := range values {
				// Short values are words such as "main", and not secrets.
				if len(v) >= shortSecret {
					hide(url.QueryEscape(v), "xxxxx")
					hide(v, "xxxxx")
				}
			}
		}
	}
	return strings.NewReplacer(pairs...)
}

// shortSecret is the least length of a value in an address's query that counts as
// a secret by itself.
const shortSecret = 6

// secretive reports whether an address holds a secret.
func secretive(u *url.URL) bool { return u.User != nil || u.RawQuery != "" }
