package countinghouse

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

const (
	userAgent      = "countinghouse-go/0.1.0"
	receivedMax    = 64 << 20 // a page of 1,000 wide details, or the refusals of a stream
	defaultTimeout = time.Minute
	reportTimeout  = 15 * time.Minute
)

// Options say who calls, and how the connection is secured. The zero value is a connection in clear text, without a
// token.
type Options struct {
	Token          func() (string, error) // gives the present bearer token, before every call; see Token
	TLS            *tls.Config            // nil: not encrypted
	PlaintextToken bool                   // send the token although the connection is neither encrypted nor on this machine
	Timeout        time.Duration          // of a unary call whose context has no deadline; a minute when 0
}

// Token is a token that never changes.
func Token(token string) func() (string, error) {
	return func() (string, error) { return token, nil }
}

// TokenFile is a token that is read from a file before every call, as it may be renewed there.
func TokenFile(path string) func() (string, error) {
	return func() (string, error) {
		content, err := os.ReadFile(path)
		return strings.TrimSpace(string(content)), err
	}
}

// TLS reads PEM files: the authorities that the server's certificate is checked against (empty: the system's), and the
// client's own certificate with its key, for mutual TLS (empty: none).
func TLS(ca, certificate, key string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate in PEM", ca)
		}
	}
	if (certificate == "") != (key == "") {
		return nil, errors.New("a client certificate and its key go together")
	}
	if certificate != "" {
		pair, err := tls.LoadX509KeyPair(certificate, key)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// Environment gives target and options as the `countinghouse` command takes them: COUNTINGHOUSE_ADDRESS,
// COUNTINGHOUSE_TOKEN or COUNTINGHOUSE_CLIENT_TOKEN_FILE, COUNTINGHOUSE_CLIENT_TLS_CA, _CERT and _KEY.
func Environment() (target string, options Options, err error) {
	target = "127.0.0.1:50051"
	if address := os.Getenv("COUNTINGHOUSE_ADDRESS"); address != "" {
		target = address
	}
	token, file := os.Getenv("COUNTINGHOUSE_TOKEN"), os.Getenv("COUNTINGHOUSE_CLIENT_TOKEN_FILE")
	switch {
	case token != "" && file != "":
		return "", Options{}, errors.New("COUNTINGHOUSE_TOKEN and COUNTINGHOUSE_CLIENT_TOKEN_FILE exclude each other")
	case token != "":
		options.Token = Token(token)
	case file != "":
		options.Token = TokenFile(file)
	}
	ca, certificate, key := os.Getenv("COUNTINGHOUSE_CLIENT_TLS_CA"), os.Getenv("COUNTINGHOUSE_CLIENT_TLS_CERT"), os.Getenv("COUNTINGHOUSE_CLIENT_TLS_KEY")
	if ca != "" || certificate != "" || key != "" {
		options.TLS, err = TLS(ca, certificate, key)
	}
	return target, options, err
}

func (o Options) dialing(target string) ([]grpc.DialOption, error) {
	secured := insecure.NewCredentials()
	if o.TLS != nil {
		secured = credentials.NewTLS(o.TLS)
	}
	dialing := []grpc.DialOption{
		grpc.WithTransportCredentials(secured),
		grpc.WithUserAgent(userAgent),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(receivedMax)),
		grpc.WithUnaryInterceptor(unary{timeout: o.Timeout}.intercept),
		grpc.WithStreamInterceptor(interceptStream),
		// A dead peer is noticed within a minute and a half; a server that went away comes back within seconds.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: time.Minute, Timeout: 20 * time.Second}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: firstWait, Multiplier: 1.6, Jitter: 0.2, MaxDelay: longestWait},
			MinConnectTimeout: 5 * time.Second,
		}),
	}
	if o.Token == nil {
		return dialing, nil
	}
	if o.TLS == nil && !o.PlaintextToken && !onThisMachine(target) {
		return nil, fmt.Errorf("the token would go to %s in clear text: set TLS, or allow it with PlaintextToken", target)
	}
	return append(dialing, grpc.WithPerRPCCredentials(bearer(o.Token))), nil
}

type bearer func() (string, error)

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	token, err := b()
	if err != nil {
		return nil, fmt.Errorf("the token: %w", err)
	}
	return map[string]string{"authorization": "Bearer " + token}, nil
}

func (bearer) RequireTransportSecurity() bool { return false } // looked at when connecting

func onThisMachine(target string) bool {
	if strings.HasPrefix(target, "unix:") || strings.HasPrefix(target, "unix-abstract:") {
		return true
	}
	address := target[strings.LastIndex(target, "/")+1:]
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
