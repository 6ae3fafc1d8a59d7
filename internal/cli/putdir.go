package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"credential-resolver/backend/store"
	"credential-resolver/component"
	"credential-resolver/resolver/credential"
)

// configFile is a file of put --dir.
type configFile struct{ guid, path string }

// putDir stores the configs of a folder. It holds one config at a time in memory.
func (o *options) putDir(ctx context.Context, path, dir string, force bool) error {
	if _, err := loadSettings(path); err != nil {
		return err
	}
	files, err := configFiles(dir)
	if err != nil {
		return err
	}
	refused, seen := 0, map[string]string{}
	for _, file := range files {
		err := file.checkName(seen)
		if err == nil {
			var config []byte
			if config, err = file.read(); err == nil {
				err = o.check(file.path, config, force)
			}
		}
		if err != nil {
			refused++
			_, _ = fmt.Fprintf(o.Err, "refused: %v\n", err)
		}
	}
	if refused > 0 {
		return fmt.Errorf("nothing was stored: %d of %d configs were refused", refused, len(files))
	}
	return o.withAllConfigs(ctx, path, func(ctx context.Context, configs component.Configs) error {
		return o.storeFiles(ctx, configs, files)
	})
}

// maxOutages is how many configs in a row may fail as if the store was down, before put --dir gives up.
const maxOutages = 3

// storeFiles stores configs, and goes on after one that fails, unless the store is down.
func (o *options) storeFiles(ctx context.Context, configs component.Configs, files []configFile) error {
	stored, unchanged, failed, untried, outages := 0, 0, 0, 0, 0
	for i, file := range files {
		isNew, err := file.store(ctx, configs)
		switch {
		case err != nil:
			failed++
			_, _ = fmt.Fprintf(o.Err, "failed: %s: %v\n", file.guid, explained(err))
		case isNew:
			stored++
			_, err = fmt.Fprintf(o.Out, "%s stored\n", file.guid)
		default:
			unchanged++
			_, err = fmt.Fprintf(o.Out, "%s unchanged\n", file.guid)
		}
		if err == nil || !credential.IsOutage(err) {
			outages = 0
		} else if outages++; outages == maxOutages {
			untried = len(files) - i - 1
			break
		}
	}
	summary := fmt.Sprintf("%d stored, %d unchanged, %d failed", stored, unchanged, failed)
	if untried > 0 {
		summary += fmt.Sprintf(", %d not tried because the store is down", untried)
	}
	if failed > 0 {
		return errors.New(summary)
	}
	_, err := fmt.Fprintln(o.Out, summary)
	return err
}

// configFiles returns the files of a folder that have the extension of a config, sorted.
func configFiles(dir string) ([]configFile, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []configFile
	for _, entry := range entries {
		name := entry.Name()
		ext := filepath.Ext(name)
		if !strings.HasPrefix(name, ".") && slices.Contains([]string{".json", ".yaml", ".yml"}, strings.ToLower(ext)) {
			files = append(files, configFile{guid: strings.TrimSuffix(name, ext), path: filepath.Join(dir, name)})
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s has no config: want files named GUID.json, GUID.yaml or GUID.yml", dir)
	}
	return files, nil
}

// checkName refuses a name that is no GUID, or that of an earlier file. seen has the paths by GUID.
func (f configFile) checkName(seen map[string]string) error {
	if !credential.ValidGUID(f.guid) {
		return fmt.Errorf("%s: its name is a malformed GUID: %s", f.path, credential.GUIDRule)
	}
	if earlier, ok := seen[f.guid]; ok {
		return fmt.Errorf("%s: %s has the same GUID", f.path, earlier)
	}
	seen[f.guid] = f.path
	return nil
}

// read returns the config. It follows symbolic links, as those of a projected volume.
func (f configFile) read() ([]byte, error) {
	info, err := os.Stat(f.path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", f.path)
	}
	return readConfig(nil, f.path)
}

// store stores the config, and reports whether it was not stored already.
func (f configFile) store(ctx context.Context, configs component.Configs) (bool, error) {
	config, err := f.read()
	if err != nil {
		return false, err
	}
	stored, err := configs.Config(ctx, f.guid)
	switch {
	case err == nil && bytes.Equal(stored, config):
		return false, nil
	case err != nil && !store.Missing(err):
		return false, err
	}
	return true, configs.Put(ctx, f.guid, config)
}
