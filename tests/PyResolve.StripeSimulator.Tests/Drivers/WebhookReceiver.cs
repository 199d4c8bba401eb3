using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace PyResolve.StripeSimulator.Tests.Drivers;

internal sealed record ReceivedEvent(byte[] Body, string Signature)
{
    public JsonElement Json { get; } = JsonSerializer.Deserialize<JsonElement>(Body);

    public string Id => Json.GetProperty("id").GetString()!;

    public string Type => Json.GetProperty("type").GetString()!;

    public DateTimeOffset SignedAt => DateTimeOffset.FromUnixTimeSeconds(long.Parse(Signature.Split(',')[0][2..]));

    public bool IsSignedWith(string secret)
    {
        var time = Signature.Split(',')[0][2..];
        var expected = HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), (byte[])[.. Encoding.UTF8.GetBytes($"{time}."), .. Body]);
        return Signature == $"t={time},v1={Convert.ToHexStringLower(expected)}";
    }
}

/// <summary>A webhook endpoint on loopback that records requests, and answers with a given status.</summary>
internal sealed class WebhookReceiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<ReceivedEvent> _received = new();

    private WebhookReceiver(WebApplication app) => _app = app;

    public Uri Url => new(new Uri(_app.Urls.Single()), "/hook");

    public int Status { get; set; } = 200;

    public string Answer { get; set; } = "";

    public IReadOnlyList<ReceivedEvent> Received => [.. _received];

    public IReadOnlyList<string> Types => [.. _received.Select(static received => received.Type)];

    public static async Task<WebhookReceiver> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var receiver = new WebhookReceiver(app);
        app.Run(receiver.TakeAsync);
        await app.StartAsync();
        return receiver;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task TakeAsync(HttpContext http)
    {
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body);
        _received.Enqueue(new ReceivedEvent(body.ToArray(), http.Request.Headers["Stripe-Signature"].ToString()));
        http.Response.StatusCode = Status;
        await http.Response.WriteAsync(Answer);
    }
}
