package experiment

// Experiment trains the runs that stand behind a planned figure, in its folder.
func (p *Plan) Experiment(f Figure, dir string) *Experiment {
	return &Experiment{Dir: dir, Problem: f.Problem(), Data: p.Data, Settings: p.Settings}
}

// DrawTrained draws what the experiment's runs recorded into its folder; see Draw.
func (p *Plan) DrawTrained(e *Experiment) (table, file string, err error) {
	groups, err := e.Records()
	if err != nil {
		return "", "", err
	}
	return p.Draw(e.Dir, groups)
}
