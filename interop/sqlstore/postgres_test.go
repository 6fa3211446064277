//go:build unix

package sqlstore_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
)

// postgres is a server of the tests' own, which listens at a socket in its folder.
type postgres struct {
	programs, folder string
	credential       *syscall.Credential // nil: ours
	process          *exec.Cmd
}

// shared is the server that most tests have in common, each with a table of its own.
var shared struct {
	sync.Mutex
	server *postgres
}

func sharedPostgres(t *testing.T) *postgres {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil {
		shared.server = newPostgres(t)
	}
	return shared.server
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.server != nil {
		shared.server.remove()
	}
	os.Exit(code)
}

// postgresPrograms is the folder that has them. It skips the test if there is none; not on
// a machine for CI.
func postgresPrograms(t *testing.T) string {
	t.Helper()
	inCI := os.Getenv("CI") != ""
	if testing.Short() && !inCI {
		t.Skip("-short")
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path)
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // Debian has them in no PATH
	require.NoError(t, err)
	if len(found) > 0 {
		return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return len(a) - len(b) }))
	}
	if !inCI {
		t.Skip("no PostgreSQL server: install one (initdb in the PATH, or Debian's postgresql)")
	}
	t.Fatal("no PostgreSQL server")
	return ""
}

// newPostgres makes a cluster and starts it. PostgreSQL refuses to run as root: it is
// another user's then.
func newPostgres(t *testing.T) *postgres {
	t.Helper()
	p := &postgres{programs: postgresPrograms(t)}
	folder, err := os.MkdirTemp("", "pg") // a short name, for the socket's path
	require.NoError(t, err)
	p.folder = folder
	if os.Getuid() == 0 {
		p.credential = unprivileged(t)
		require.NoError(t, os.Chown(folder, int(p.credential.Uid), int(p.credential.Gid)))
	}
	// Its texts are in the order of English, by default, and not in that of their bytes.
	output, err := p.command("initdb", "-D", p.data(), "-U", "tests", "-A", "trust", "-E", "UTF8", "--locale-provider=icu", "--icu-locale=en", "--no-sync", "--no-instructions").CombinedOutput()
	require.NoError(t, err, string(output))
	p.start(t)
	return p
}

// unprivileged is a user who is not root.
func unprivileged(t *testing.T) *syscall.Credential {
	t.Helper()
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
			gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
			require.NoError(t, uidErr)
			require.NoError(t, gidErr)
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		}
	}
	t.Fatal("PostgreSQL does not run as root, and there is no user postgres or nobody")
	return nil
}

func (p *postgres) data() string { return filepath.Join(p.folder, "data") }

func (p *postgres) command(name string, args ...string) *exec.Cmd {
	command := exec.Command(filepath.Join(p.programs, name), args...)
	command.Dir = p.folder
	command.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC")
	command.SysProcAttr = &syscall.SysProcAttr{Credential: p.credential}
	return command
}

// start starts the server, and waits until it is ready.
func (p *postgres) start(t *testing.T) {
	t.Helper()
	p.process = p.command("postgres", "-D", p.data(), "-k", p.folder, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=300")
	output, err := p.process.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, p.process.Start())
	log, lines := "", bufio.NewScanner(output)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "ready to accept connections") {
			go func() {
				for lines.Scan() { // or it would block once the pipe is full
				}
			}()
			return
		}
		log += lines.Text() + "\n"
	}
	p.stop()
	t.Fatal("postgres does not start: ", log)
}

// stop ends the server at once, as it is: it has to recover when it is started again.
func (p *postgres) stop() {
	p.process.Process.Signal(syscall.SIGQUIT)
	p.process.Wait()
}

func (p *postgres) remove() {
	p.stop()
	os.RemoveAll(p.folder)
}

// url is what pgx connects to, with options of the session.
func (p *postgres) url(options ...string) string {
	return fmt.Sprintf("host=%s user=tests dbname=postgres options='%s'", p.folder, strings.Join(options, " "))
}
