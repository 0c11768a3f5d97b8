// Stand-ins for the programs whose images or modules no package registry serves. Each reads what the real one must read,
// writes where it must write, dials whom it needs, and answers its health check; which one it is, its name says.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func mustRead(paths ...string) {
	for _, path := range paths {
		_, err := os.ReadFile(path)
		must(err)
	}
}

func mustWrite(path string) {
	must(os.MkdirAll(filepath.Dir(path), 0o755))
	must(os.WriteFile(path, []byte(time.Now().String()), 0o644))
}

func mustDial(address string) {
	connection, err := net.DialTimeout("tcp", address, 5*time.Second)
	must(err)
	must(connection.Close())
}

func mustDialDSN(name string) {
	dsn, err := url.Parse(os.Getenv(name))
	must(err)
	if _, has := dsn.User.Password(); !has {
		log.Fatalf("%s has no password", name)
	}
	mustDial(dsn.Host)
}

func accept(address string, answer func(net.Conn)) {
	listener, err := net.Listen("tcp", address)
	must(err)
	for {
		connection, err := listener.Accept()
		must(err)
		go func() { defer connection.Close(); answer(connection) }()
	}
}

func ok(http.ResponseWriter, *http.Request) {}

func main() {
	log.SetFlags(0)
	switch name := filepath.Base(os.Args[0]); name {
	case "clickhouse-keeper":
		mustRead("/etc/clickhouse-keeper/keeper_config.xml")
		mustWrite("/var/lib/clickhouse-keeper/coordination/log/changelog")
		accept("0.0.0.0:9181", func(connection net.Conn) {
			word := make([]byte, 4)
			if _, err := io.ReadFull(connection, word); err == nil && string(word) == "ruok" {
				fmt.Fprint(connection, "imok")
			}
		})
	case "clickhouse-server":
		mustRead("/etc/clickhouse-server/config.xml", "/etc/clickhouse-server/config.d/monitoring.xml",
			"/etc/clickhouse-server/users.d/monitoring.xml", "/etc/clickhouse-server/users.d/passwords.xml",
			"/etc/clickhouse-server/custom-function.xml")
		mustWrite("/var/lib/clickhouse/preprocessed_configs/config.xml")
		mustDial("keeper:9181")
		go accept("0.0.0.0:9000", func(connection net.Conn) { _, _ = io.Copy(io.Discard, connection) })
		must(http.ListenAndServe("0.0.0.0:8123", http.HandlerFunc(ok)))
	case "clickhouse-client":
		_, err := io.Copy(io.Discard, os.Stdin)
		must(err)
	case "signoz":
		mustDialDSN("SIGNOZ_TELEMETRYSTORE_CLICKHOUSE_DSN")
		mustWrite("/var/lib/signoz/signoz.db")
		must(http.ListenAndServe("0.0.0.0:8080", http.HandlerFunc(ok)))
	case "migrate":
		mustDialDSN("SIGNOZ_OTEL_COLLECTOR_CLICKHOUSE_DSN")
	default:
		log.Fatalf("stand-in: who is %s?", name)
	}
}
