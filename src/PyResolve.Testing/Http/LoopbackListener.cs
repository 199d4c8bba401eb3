using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace PyResolve.Testing.Http;

/// <summary>The fake server on a port of 127.0.0.1, for tools that run as separate processes.</summary>
internal sealed class LoopbackListener : IDisposable
{
    private readonly HttpListener _listener;
    private readonly AnswerRequest _answerAsync;
    private readonly TimeProvider _clock;
    private readonly CancellationTokenSource _stopping = new();

    private LoopbackListener(
        AnswerRequest answerAsync, TimeProvider clock, HttpListener listener, Uri url)
    {
        _answerAsync = answerAsync;
        _clock = clock;
        _listener = listener;
        Url = url;
        _ = AcceptAsync();
    }

    public Uri Url { get; }

    public static LoopbackListener Start(AnswerRequest answerAsync, TimeProvider clock)
    {
        for (var tries = 1; ; tries++)
        {
            // Another process may take the free port before Start.
            var url = new Uri($"http://127.0.0.1:{FreePort()}/");
            var listener = new HttpListener();
            listener.Prefixes.Add(url.AbsoluteUri);
            try
            {
                listener.Start();
                return new(answerAsync, clock, listener, url);
            }
            catch (HttpListenerException) when (tries < 20)
            {
                listener.Close();
            }
        }
    }

    public void Dispose()
    {
        _stopping.Cancel();
        _listener.Close();
    }

    private static int FreePort()
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }

    private async Task AcceptAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                _ = ServeAsync(await _listener.GetContextAsync().ConfigureAwait(false));
            }
            catch (Exception exception) when (exception is HttpListenerException or ObjectDisposedException or InvalidOperationException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(HttpListenerContext context)
    {
        try
        {
            var request = await ReadAsync(context.Request).ConfigureAwait(false);
            var answer = await _answerAsync(request, _stopping.Token).ConfigureAwait(false);
            await WriteAsync(context.Response, answer).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // An injected fault, or the caller closed the connection.
            Cut(context.Response);
        }
    }

    /// <summary>Breaks the connection. Abort alone would send an empty response; with an announced length it is incomplete.</summary>
    private static void Cut(HttpListenerResponse response)
    {
        try
        {
            response.StatusCode = (int)HttpStatusCode.BadGateway;
            response.ContentLength64 = 1;
        }
        catch (Exception exception) when (exception is InvalidOperationException or ObjectDisposedException)
        {
            // The response was started already.
        }

        response.Abort();
    }

    private static async Task<FakeRequest> ReadAsync(HttpListenerRequest request)
    {
        var headers = request.Headers.AllKeys.OfType<string>()
            .ToDictionary(static name => name, name => request.Headers[name] ?? "", StringComparer.OrdinalIgnoreCase);
        using var content = new MemoryStream();
        await request.InputStream.CopyToAsync(content).ConfigureAwait(false);
        return new(request.HttpMethod, request.Url!.AbsolutePath, request.Url.Query, headers, content.ToArray());
    }

    private async Task WriteAsync(HttpListenerResponse response, FakeAnswer answer)
    {
        response.StatusCode = answer.Status;
        response.ContentType = answer.ContentType;
        response.Headers["Date"] = _clock.GetUtcNow().ToString("R", CultureInfo.InvariantCulture);
        foreach (var (name, value) in answer.Headers)
            response.AddHeader(name, value);
        response.ContentLength64 = answer.Body.Length;
        await response.OutputStream.WriteAsync(answer.Body).ConfigureAwait(false);
        response.Close();
    }
}
