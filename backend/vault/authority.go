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

// readAuthority returns the certificates that Vault's own is checked against, as PEM text:
// caPem, else those of the files below caPath, else that of caCert, as in contrib. "" is
// for the system's. contrib would read the files itself, and keep no type of an error.
func readAuthority(fields map[string]string) (string, error) {
	pem, folder, file := store.Field(fields, "caPem"), store.Field(fields, "caPath"), store.Field(fields, "caCert")
	switch {
	case pem != "" || store.Field(fields, "skipVerify") == "true":
		return pem, nil
	case folder != "":
		return readAuthorityFolder(folder)
	case file != "":
		return readAuthorityFile(file)
	}
	return "", nil
}

// readAuthorityFolder reads all files below a folder. Kubernetes makes its volumes of links
// to files, beside a link to the folder that they are in.
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
	if err == nil && all.Len() == 0 { // which would be the system's
		err = credential.Remedy("the folder of caPath holds no certificate")
	}
	return all.String(), err
}

func readAuthorityFile(path string) (string, error) {
	text, err := store.ReadSmall(path, store.MaxCertificateFile)
	if err != nil {
		return "", unreadAuthority(err)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(text) {
		return "", store.Permanent(credential.Remedy("a file of caCert or caPath holds no certificate as PEM text"))
	}
	return string(text) + "\n", nil
}

func unreadAuthority(err error) error {
	return store.Explained("a file of caCert or caPath cannot be read", err)
}
