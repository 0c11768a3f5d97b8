// The `migrate` commands of SigNoz's collector, without the collector around them.
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/SigNoz/signoz-otel-collector/cmd/signozotelcollector/config"
	"github.com/SigNoz/signoz-otel-collector/cmd/signozotelcollector/migrate"
	"github.com/spf13/cobra"
	flag "github.com/spf13/pflag"
	"github.com/spf13/viper"
	"go.uber.org/zap"
)

// As SigNoz's own main does it: a flag that is not given is the variable of its name.
func readEnvironment(cmd *cobra.Command, _ []string) {
	v := viper.New()
	v.SetEnvPrefix("signoz-otel-collector")
	v.SetEnvKeyReplacer(strings.NewReplacer("-", "_"))
	v.AutomaticEnv()
	cmd.Flags().VisitAll(func(f *flag.Flag) {
		if !f.Changed && v.IsSet(f.Name) {
			if err := cmd.Flags().Set(f.Name, fmt.Sprint(v.Get(f.Name))); err != nil {
				panic(err)
			}
		}
	})
}

func main() {
	root := &cobra.Command{Use: "signoz-otel-collector", SilenceUsage: true, PersistentPreRun: readEnvironment}
	config.Clickhouse.RegisterFlags(root)
	migrate.Register(root, zap.Must(zap.NewProduction()))
	if root.Execute() != nil {
		os.Exit(1)
	}
}
