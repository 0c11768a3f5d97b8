// The `migrate` commands of SigNoz's collector, without the collector around them.
package main

import (
	"os"

	"github.com/SigNoz/signoz-otel-collector/cmd/signozotelcollector/config"
	"github.com/SigNoz/signoz-otel-collector/cmd/signozotelcollector/migrate"
	"github.com/spf13/cobra"
	"go.uber.org/zap"
)

func main() {
	root := &cobra.Command{Use: "signoz-otel-collector", SilenceUsage: true}
	config.Clickhouse.RegisterFlags(root)
	migrate.Register(root, zap.Must(zap.NewProduction()))
	if root.Execute() != nil {
		os.Exit(1)
	}
}
