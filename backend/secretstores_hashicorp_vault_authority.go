package backend

import (
	"crypto/x509"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"credential-resolver/resolver/credential"
)

// vaultAuthority returns the certificates that Vault's own is checked against, as PEM text:
// caPem, else those of the files below caPath, else that of caCert, as in contrib. "" is
// for the system's. contrib would read the files itself, and keep no type of an error.
func vaultAuthority(fields map[string]string) (string, error) {
	pem, folder, file := field(fields, "caPem"), field(fields, "caPath"), field(fields, "caCert")
	switch {
	case pem != "" || field(fields, "skipVerify") == "true":
		return pem, nil
	case folder != "":
		return readVaultAuthorities(folder)
	case file != "":
		return readVaultAuthority(file)
	}
	return "", nil
}

// readVaultAuthorities reads all files below a folder. Kubernetes makes its volumes of links
// to files, beside a link to the folder that they are in.
func readVaultAuthorities(folder string) (string, error) {
	folder, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return "", unreadVaultAuthority(err)
	}
	var all strings.Builder
	err = filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return unreadVaultAuthority(err)
		}
		info, err := os.Stat(path)
		switch {
		case err != nil:
			return unreadVaultAuthority(err)
		case info.IsDir():
			return nil
		}
		text, err := readVaultAuthority(path)
		all.WriteString(text)
		if err == nil && all.Len() > maxCertificateFile {
			err = unreadVaultAuthority(errFileTooLarge)
		}
		return err
	})
	if err == nil && all.Len() == 0 { // which would be the system's
		err = credential.Remedy("the folder of caPath holds no certificate")
	}
	return all.String(), err
}

func readVaultAuthority(path string) (string, error) {
	text, err := readSmall(path, maxCertificateFile)
	if err != nil {
		return "", unreadVaultAuthority(err)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(text) {
		return "", permanent(credential.Remedy("a file of caCert or caPath holds no certificate as PEM text"))
	}
	return string(text) + "\n", nil
}

func unreadVaultAuthority(err error) error {
	return explained("a file of caCert or caPath cannot be read", err)
}
