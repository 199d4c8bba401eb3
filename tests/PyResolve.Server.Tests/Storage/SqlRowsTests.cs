using Microsoft.Extensions.DependencyInjection;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Tests.Storage;

/// <summary>Rows are read as they were sent, on both engines.</summary>
public sealed class SqlRowsTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task Every_type_of_column_comes_back_as_it_was_sent(StorageEngine engine)
    {
        var database = (await servers.OnAsync(engine)).Services.GetRequiredService<Database>();
        var at = new DateTimeOffset(2026, 11, 15, 12, 0, 0, TimeSpan.Zero).AddMicroseconds(123_456);
        Sample[] samples =
        [
            new(1, Ids.Create(at), null, null, long.MaxValue, true, at, null, [], new JsonText("{}")),
            new(2, Ids.Create(at), Ids.Create(at), "", long.MinValue, false, DateTimeOffset.UnixEpoch, at, [0, 255],
                new JsonText("""{"a": "\\ \" \u00e9"}""")),
            new(3, Ids.Create(at), null, "' \" \\ $1 \n é \U0001F600 \u2028 </script>", 0, true, at, null,
                [.. Enumerable.Range(0, 256).Select(i => (byte)i)], new JsonText("""{"a": [1, 2.50]}""")),
        ];

        var read = await ReadBackAsync(database, samples);

        read.Count.ShouldBe(3);
        foreach (var (sample, back) in samples.Zip(read))
        {
            (back with { Bytes = sample.Bytes, Json = sample.Json }).ShouldBe(sample);
            back.Bytes.ShouldBe(sample.Bytes);
            JsonElementOf(back.Json).ShouldBe(JsonElementOf(sample.Json));
        }
    }

    [Theory, OnBothEngines]
    public async Task No_rows_are_read_back_as_none(StorageEngine engine) =>
        (await ReadBackAsync((await servers.OnAsync(engine)).Services.GetRequiredService<Database>(), [])).ShouldBeEmpty();

    private static Task<List<Sample>> ReadBackAsync(Database database, Sample[] samples) => database.ReadAsync(
        session =>
        {
            var sent = session.Rows("sent", samples)
                .With("n", sample => sample.N)
                .With("id", sample => sample.Id)
                .With("other_id", sample => sample.OtherId)
                .With("text", sample => sample.Text)
                .With("number", sample => sample.Number)
                .With("flag", sample => sample.Flag)
                .With("at", sample => sample.At)
                .With("other_at", sample => sample.OtherAt)
                .With("bytes", sample => sample.Bytes)
                .With("json", sample => sample.Json);
            return session.ListAsync(
                $"select n, id, other_id, text, number, flag, at, other_at, bytes, cast(json as text) from {sent} order by n",
                static row => new Sample(
                    row.Int64(0), row.Uuid(1), row.UuidOrNull(2), row.TextOrNull(3), row.Int64(4), row.Boolean(5), row.Instant(6),
                        row.InstantOrNull(7), row.BytesOrNull(8)!, new JsonText(row.Text(9))),
                TestContext.Current.CancellationToken);
        },
        TestContext.Current.CancellationToken);

    private static string JsonElementOf(JsonText json) => System.Text.Json.Nodes.JsonNode.Parse(json.Value)!.ToJsonString();

    private sealed record Sample(
        long N, Guid Id, Guid? OtherId, string? Text, long Number, bool Flag, DateTimeOffset At, DateTimeOffset? OtherAt, byte[] Bytes,
        JsonText Json);
}
