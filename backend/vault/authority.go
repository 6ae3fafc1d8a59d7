package vault

import (
	"crypto/x509"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// readAuthority returns the certificates that Vault's own certificate is checked against, as
// PEM text. They come from caPem, else from the files below caPath, else from caCert. "" means the
// system's certificates.
func readAuthority(settings settings) (string, error) {
	switch {
	case settings.CAPem != "":
		return settings.CAPem, nil
	case settings.CAFolder != "":
		return readAuthorityFolder(settings.CAFolder)
	case settings.CAFile != "":
		return readAuthorityFile(settings.CAFile)
	}
	return "", nil
}

// readAuthorityFolder reads all files below a folder. In a Kubernetes volume, the files are
// symbolic links, next to a symbolic link to the folder that holds them.
func readAuthorityFolder(folder string) (string, error) {
	folder, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return "", unreadAuthority(err)
	}
	var all strings.Builder
	err = filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return unreadAuthority(err)
		}
		info, err := os.Stat(path)
		switch {
		case err != nil:
			return unreadAuthority(err)
		case info.IsDir():
			return nil
		}
		text, err := readAuthorityFile(path)
		all.WriteString(text)
		if err == nil && all.Len() > store.MaxCertificateFile {
			err = unreadAuthority(store.ErrFileTooLarge)
		}
		return err
	})
	if err == nil && all.Len() == 0 { // "" would mean the system's certificates
		err = credential.Remedy("the folder of caPath contains no certificate")
	}
	return all.String(), err
}

func readAuthorityFile(path string) (string, error) {
	text, err := store.ReadSmall(path, store.MaxCertificateFile)
	if err != nil {
		return "", unreadAuthority(err)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(text) {
		return "", store.Permanent(credential.Remedy("a file of caCert or caPath contains no certificate as PEM text"))
	}
	return string(text) + "\n", nil
}

func unreadAuthority(err error) error {
	return store.Explained("a file of caCert or caPath cannot be read", err)
}
