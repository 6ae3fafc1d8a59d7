package task_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"credential-resolver/resolver/task"
)

func TestATaskIsOfAllCallsWithItsContext(t *testing.T) {
	assert.Nil(t, task.Of(t.Context()))
	ctx := task.Ensure(t.Context())
	assert.NotNil(t, task.Of(ctx))
	assert.Same(t, task.Of(ctx), task.Of(task.Ensure(ctx)), "it keeps the one that it has")
	assert.NotSame(t, task.Of(ctx), task.Of(task.Ensure(t.Context())))
	assert.False(t, task.Of(ctx).Background())

	background := task.InBackground(ctx)
	assert.NotSame(t, task.Of(ctx), task.Of(background))
	assert.True(t, task.Of(background).Background())
	assert.False(t, task.Of(ctx).Background())
}

func TestOnlyTheBackgroundLeavesATaskInTheBackground(t *testing.T) {
	background := task.Of(task.InBackground(t.Context()))
	background.Join(task.InBackground(t.Context()))
	assert.True(t, background.Background())
	background.Join(task.Ensure(t.Context()))
	assert.False(t, background.Background())

	background = task.Of(task.InBackground(t.Context()))
	background.Join(t.Context())
	assert.False(t, background.Background(), "whoever has no task waits for it too")
	background.Join(task.InBackground(t.Context()))
	assert.False(t, background.Background(), "it stays there")
}

func TestATaskRemembersTheQueues(t *testing.T) {
	var one task.Task
	queues := []*int{new(int), new(int), new(int)}
	for i, queue := range queues {
		assert.False(t, one.Admitted(queue), i)
		one.MarkAdmitted(queue)
	}
	for i, queue := range queues {
		assert.True(t, one.Admitted(queue), i)
	}
	assert.False(t, one.Shed())
	one.MarkShed()
	assert.True(t, one.Shed())
}

// A credential may need hundreds of calls to one store.
func TestATaskRemembersAQueueOnce(t *testing.T) {
	var one task.Task
	queue := new(int)
	assert.Zero(t, testing.AllocsPerRun(1, func() {
		for range 10_000 {
			one.MarkAdmitted(queue)
		}
	}))
	assert.True(t, one.Admitted(queue))
}
