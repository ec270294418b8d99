package main

import (
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/spf13/cobra"
	"largestep/cmd/internal/usage"
	"largestep/metrics/page"
)

// servePort is where the page is, if it is free and nobody asks for another.
const servePort = "127.0.0.1:6016"

func newServe() *cobra.Command {
	var listen string
	var names []string
	cmd := &cobra.Command{
		Use:   "serve [DIR]",
		Short: "Show the runs below a folder in a browser, live",
		Long: `Serves a page of the runs below a folder, runs/ unless another is given, while they
train: what "largestep report" makes, kept up to date. It reads that folder alone, and
changes nothing. It answers this machine only, unless --listen says otherwise; then
everybody who reaches that address can look at the runs.

Runs on another machine are best looked at through a tunnel:

  ssh -L 6016:localhost:6016 MACHINE largestep serve runs

and then http://localhost:6016/ in a browser here.`,
		Example: `  largestep serve
  largestep serve sweep --listen 127.0.0.1:8000
  largestep serve runs --listen :6016 --name gpu1.example.org      to others, too`,
		Args: usage.Args(0, "DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := "runs"
			if len(args) > 0 {
				dir = args[0]
			}
			folder, err := page.OpenFolder(dir, pages)
			if err != nil {
				return err
			}
			defer folder.Close()
			folder.Program = programName()
			listener, err := page.Listen(listen, !cmd.Flags().Changed("listen"))
			if errors.Is(err, syscall.EADDRINUSE) {
				err = fmt.Errorf("%w: choose another port with --listen, or :0 for any", err)
			}
			if err != nil {
				return err
			}
			address := listener.Addr().(*net.TCPAddr)
			what := fmt.Sprintf("%d runs", len(folder.Snapshot().Entries))
			if what == "1 runs" {
				what = "1 run"
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s below %s: http://%s/ (Ctrl-C ends it)\n", what, dir, page.Address(address))
			return page.Serve(cmd.Context(), listener, page.NewHandler(folder.Snapshot, page.Hosts(address.IP, names)))
		},
	}
	f := cmd.Flags()
	f.StringVar(&listen, "listen", servePort, "address and port; without an address, such as :6016, all of this machine's")
	f.StringSliceVar(&names, "name", nil, "name by which others call this machine, beside its own; may be repeated")
	return cmd
}
