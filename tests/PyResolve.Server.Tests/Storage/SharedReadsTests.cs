using System.Threading.Channels;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Tests.Storage;

public sealed class SharedReadsTests
{
    private readonly Channel<Statement> _sent = Channel.CreateUnbounded<Statement>();
    private readonly SharedReads<int, string> _reads;

    public SharedReadsTests() => _reads = new SharedReads<int, string>(keys =>
    {
        var statement = new Statement([.. keys.Order()]);
        _sent.Writer.TryWrite(statement);
        return statement.Answer;
    });

    [Fact]
    public async Task Reads_queued_during_running_statements_share_the_next_one()
    {
        var (first, second) = (ReadAsync(1), await NextAsync());
        var busy = ReadAsync(2);
        var third = await NextAsync();

        var queued = Enumerable.Range(3, 5).Concat([3, 4]).Select(ReadAsync).ToList();
        second.Reply();
        var shared = await NextAsync();
        third.Reply();
        shared.Reply();

        shared.Keys.ShouldBe([3, 4, 5, 6, 7]);
        (await Task.WhenAll([first, busy, .. queued])).ShouldBe(["1", "2", "3", "4", "5", "6", "7", "3", "4"]);
    }

    [Fact]
    public async Task A_read_never_joins_a_statement_that_was_sent_before_it()
    {
        var early = ReadAsync(1);
        var before = await NextAsync();

        var late = ReadAsync(1);
        var after = await NextAsync();
        before.Reply("old");
        after.Reply("new");

        (await early).ShouldBe("old");
        (await late).ShouldBe("new");
    }

    [Fact]
    public async Task A_missing_key_is_null()
    {
        var read = ReadAsync(1);

        (await NextAsync()).ReplyNothing();

        (await read).ShouldBeNull();
    }

    [Fact]
    public async Task A_statement_that_fails_fails_its_own_reads_and_no_others()
    {
        var failing = ReadAsync(1);
        (await NextAsync()).Fail(new InvalidOperationException("down"));
        await Should.ThrowAsync<InvalidOperationException>(failing);

        var next = ReadAsync(1);
        (await NextAsync()).Reply();

        (await next).ShouldBe("1");
    }

    [Fact]
    public async Task A_cancelled_read_does_not_affect_the_others()
    {
        using var leaving = new CancellationTokenSource();
        var abandoned = _reads.ReadAsync(1, leaving.Token).AsTask();
        var statement = await NextAsync();

        await leaving.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(abandoned);
        var stays = ReadAsync(2);
        var next = await NextAsync();
        statement.Reply();
        next.Reply();

        (await stays).ShouldBe("2");
    }

    private Task<string?> ReadAsync(int key) => _reads.ReadAsync(key, TestContext.Current.CancellationToken).AsTask();

    private async Task<Statement> NextAsync() => await _sent.Reader.ReadAsync(TestContext.Current.CancellationToken);

    private sealed class Statement(IReadOnlyList<int> keys)
    {
        private readonly TaskCompletionSource<IReadOnlyDictionary<int, string>> _answer =
            new(TaskCreationOptions.RunContinuationsAsynchronously);

        public IReadOnlyList<int> Keys => keys;

        public Task<IReadOnlyDictionary<int, string>> Answer => _answer.Task;

        public void Reply(string? value = null) => _answer.SetResult(keys.ToDictionary(key => key, key => value ?? key.ToString()));

        public void ReplyNothing() => _answer.SetResult(new Dictionary<int, string>());

        public void Fail(Exception exception) => _answer.SetException(exception);
    }
}
