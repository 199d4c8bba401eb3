using System.IO.Compression;
using System.Net.Http.Headers;
using System.Text;

namespace PyResolve.Server.Tests.Http;

public sealed class CompressedBodyTests(SharedServers servers)
{
    public static TheoryData<string> Codings { get; } = ["gzip", "deflate", "br", "x-gzip", "GZip"];

    [Theory, MemberData(nameof(Codings))]
    public async Task A_compressed_body_is_read_as_if_it_were_not(string coding)
    {
        var account = await servers.SignUpAsync(StorageEngine.Sqlite);

        var one = await account.Key.PostAsync("/usage", Compressed("""{"event_type":"migration","library":"é"}""", coding));
        var batch = await account.Key.PostAsync("/usage/batch", Compressed("""{"events":[{"event_type":"migration"}]}""", coding));

        one.ShouldBeJson(200, """{"status":"recorded"}""");
        batch["recorded"].GetInt32().ShouldBe(1);
        (await account.QuotaAsync()).Used.ShouldBe(2);
    }

    [Theory, MemberData(nameof(Codings))]
    public async Task A_body_that_unpacks_to_more_than_the_limit_is_too_large(string coding)
    {
        var account = await servers.SignUpAsync(StorageEngine.Sqlite);
        var zeros = "{\"event_type\":\"scan\",\"x\":\"" + new string('0', 50_000_000) + "\"}";

        var answer = await account.Key.PostAsync("/usage", Compressed(zeros, coding));

        answer.ShouldBeProblem(413, "too_large");
    }

    [Theory, MemberData(nameof(Codings))]
    public async Task A_body_that_is_not_what_its_coding_says_is_malformed(string coding)
    {
        var account = await servers.SignUpAsync(StorageEngine.Sqlite);

        var plain = new StringContent("""{"event_type":"scan"}""", Encoding.UTF8, "application/json");
        plain.Headers.ContentEncoding.Add(coding);

        (await account.Key.PostAsync("/usage", plain)).ShouldBeProblem(400, "malformed");
        (await account.QuotaAsync()).Used.ShouldBe(0);
    }

    [Theory]
    [InlineData("zstd")]
    [InlineData("gzip, gzip")]
    [InlineData("aws-chunked")]
    public async Task An_unknown_coding_is_415_with_those_that_are_known(string coding)
    {
        var account = await servers.SignUpAsync(StorageEngine.Sqlite);
        var body = new ByteArrayContent("{}"u8.ToArray());
        body.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        body.Headers.TryAddWithoutValidation("Content-Encoding", coding);
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri("/usage", UriKind.Relative)) { Content = body };
        request.Headers.Add("X-API-Key", account.ApiKey);

        using var response = await account.Http.SendAsync(request, TestContext.Current.CancellationToken);

        ((int)response.StatusCode).ShouldBe(415);
        response.Headers.GetValues("Accept-Encoding").ShouldBe(["gzip, deflate, br"]);
        (await Answer.ReadAsync(response)).ShouldBeProblem(415, "unsupported_media_type");
    }

    [Fact]
    public async Task A_body_that_says_identity_is_not_compressed()
    {
        var account = await servers.SignUpAsync(StorageEngine.Sqlite);
        var body = new StringContent("""{"event_type":"scan"}""", Encoding.UTF8, "application/json");
        body.Headers.ContentEncoding.Add("identity");

        (await account.Key.PostAsync("/usage", body)).Status.ShouldBe(200);
    }

    private static ByteArrayContent Compressed(string json, string coding)
    {
        using var packed = new MemoryStream();
        using (Stream packing = coding.ToUpperInvariant() switch
        {
            "DEFLATE" => new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true),
            "BR" => new BrotliStream(packed, CompressionLevel.Fastest, leaveOpen: true),
            _ => new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true),
        })
        {
            packing.Write(Encoding.UTF8.GetBytes(json));
        }

        var content = new ByteArrayContent(packed.ToArray());
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        content.Headers.ContentEncoding.Add(coding);
        return content;
    }
}
