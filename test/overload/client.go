package main

import (
	"context"
	"regexp"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	runtime "github.com/dapr/dapr/pkg/proto/runtime/v1"
)

// result is the kind of an answer.
type result int

const (
	refused result = iota
	right
	wrong
)

// outcome is the answer to a request.
type outcome struct {
	result      result
	code, words string        // for a refusal: the component's code, and its text without the GUID
	at          time.Duration // since the load began
	took        time.Duration // since the time when the request was due
}

// patience limits a request. It is much longer than the component's own limit.
const patience = time.Minute

// refusal matches the component's error as an application sees it.
var refusal = regexp.MustCompile(`code = (\w+) desc = (?:credential "[^"]*": )?(.*)`)

// ask requests a credential from daprd and checks the answer.
func ask(ctx context.Context, conn *grpc.ClientConn, c credential) outcome {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	resp, err := runtime.NewDaprClient(conn).GetSecret(ctx, &runtime.GetSecretRequest{StoreName: c.component, Key: c.guid})
	if err != nil {
		o := outcome{code: status.Code(err).String(), words: status.Convert(err).Message()}
		if found := refusal.FindStringSubmatch(o.words); found != nil {
			o.code, o.words = found[1], found[2]
		}
		return o
	}
	for field, value := range c.secrets {
		if resp.GetData()[field] != value {
			return outcome{result: wrong}
		}
	}
	return outcome{result: right}
}

// askAll sends n requests, one per interval. It does not wait for an answer before the next
// request, so slow answers do not reduce the load. It returns when all requests are answered.
func askAll(ctx context.Context, conn *grpc.ClientConn, of numbered, n int, interval time.Duration) []outcome {
	outcomes := make([]outcome, n)
	var asking sync.WaitGroup
	begin := time.Now()
	started := 0
	for ; started < n; started++ {
		i, due := started, begin.Add(time.Duration(started)*interval)
		if wait(ctx, due) != nil {
			break
		}
		asking.Go(func() {
			outcomes[i] = ask(ctx, conn, of(i))
			outcomes[i].at, outcomes[i].took = time.Since(begin), time.Since(due)
		})
	}
	asking.Wait()
	return outcomes[:started]
}
