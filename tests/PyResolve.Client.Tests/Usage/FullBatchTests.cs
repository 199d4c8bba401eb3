namespace PyResolve.Client.Tests.Usage;

/// <summary>What is read and sent piece by piece is complete also when the last piece is exactly full, by its events or by its bytes.</summary>
public sealed class FullBatchTests : IDisposable
{
    private const int BytesAtOnce = 256 * 1024;

    private readonly TemporaryHome _home = new();

    [Theory]
    [InlineData(499, 1, 0)]
    [InlineData(500, 1, 0)]
    [InlineData(501, 1, 1)]
    [InlineData(999, 2, 0)]
    [InlineData(1_000, 2, 0)]
    [InlineData(1_001, 2, 1)]
    public async Task Events_that_fill_the_last_batch_exactly_are_each_sent_once(int events, int batches, int unbatched)
    {
        var (server, ledger) = await Ledger.StartAsync();
        await using var _ = server;
        var left = await server.LeaveBehindAsync(events);

        await using var client = server.Client();
        await client.Usage.FlushAsync(TestContext.Current.CancellationToken);

        ledger.InOrder.ShouldBe(left);
        (client.Usage.Sent, client.Usage.Pending).ShouldBe((events, 0));
        server.Requests.Count(static request => request.Route == "POST /usage/batch").ShouldBe(batches);
        server.Requests.Count(static request => request.Route == "POST /usage").ShouldBe(unbatched);
    }

    [Theory]
    [InlineData(BytesAtOnce / 16, 15)]
    [InlineData(BytesAtOnce / 16, 16)]
    [InlineData(BytesAtOnce / 16, 17)]
    [InlineData(BytesAtOnce / 16, 32)]
    [InlineData(BytesAtOnce / 16, 33)]
    [InlineData(BytesAtOnce - 1, 2)]
    [InlineData(BytesAtOnce, 2)]
    [InlineData(BytesAtOnce + 1, 2)]
    public void Records_that_fill_what_is_read_at_once_exactly_are_each_read_once(int recordLength, int events)
    {
        Directory.CreateDirectory(_home.Path);
        using var segment = Segment.Create(_home.Path, TimeProvider.System);
        for (var i = 0; i < events; i++)
            segment.Append(Numbered(i, recordLength - SegmentRecord.Overhead), TimeProvider.System.GetUtcNow());

        var numbers = new List<int>();
        while (segment.Count > 0)
        {
            var (found, end) = segment.Read(maxEvents: 500);
            numbers.AddRange(found.Select(static stored => BitConverter.ToInt32(stored.Json, 0)));
            segment.Settle(end, found.Count);
        }

        numbers.ShouldBe(Enumerable.Range(0, events));
    }

    [Fact]
    public async Task An_outbox_takes_exactly_as_many_events_as_it_has_room_for_each_time_it_is_empty()
    {
        var (server, ledger) = await Ledger.StartAsync();
        await using var _ = server;
        await using var client = server.Client(static options => options.OutboxCapacity = 3);
        for (var round = 1; round <= 2; round++)
        {
            for (var i = 0; i < 3; i++)
                client.Usage.Report(new("scan")).IsAccepted.ShouldBeTrue();

            await client.Usage.FlushAsync(TestContext.Current.CancellationToken);

            (ledger.Charges, client.Usage.Pending).ShouldBe((round * 3, 0));
        }
    }

    public void Dispose() => _home.Dispose();

    private static byte[] Numbered(int number, int length)
    {
        var bytes = new byte[length];
        BitConverter.TryWriteBytes(bytes, number);
        return bytes;
    }
}
