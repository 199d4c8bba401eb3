using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace PyResolve.Cli.Mcp;

/// <summary>JSON-RPC 2.0 over two streams, a message a line. Requests are answered side by side, and each can be cancelled.</summary>
internal sealed class RpcConnection(Stream input, Stream output) : IDisposable
{
    private static readonly JsonWriterOptions OneLine = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly SemaphoreSlim _sending = new(1, 1);
    private readonly ConcurrentDictionary<string, CancellationTokenSource> _running = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, TaskCompletionSource<JsonElement>> _asked = new(StringComparer.Ordinal);
    private long _lastId;

    /// <summary>Answers a request: writes the members of its result.</summary>
    internal delegate Task<Action<Utf8JsonWriter>> Answer(RpcMessage request, CancellationToken cancellationToken);

    /// <summary>Answers requests until the client closes its end. What still runs then is cancelled, and waited for.</summary>
    /// <exception cref="OperationCanceledException">By the token. What ran has ended here too.</exception>
    public async Task RunAsync(Answer answer, CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(input, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
        var running = new List<Task>();
        try
        {
            // A read of standard input cannot be cancelled: it is left alone.
            while (await reader.ReadLineAsync(CancellationToken.None).AsTask().WaitAsync(cancellationToken) is { } line)
            {
                running.RemoveAll(static task => task.IsCompleted);
                if (!string.IsNullOrWhiteSpace(line))
                    running.Add(Take(line, answer));
            }
        }
        finally
        {
            foreach (var request in _running.Values)
                await request.CancelAsync();
            await Task.WhenAll(running);
        }
    }

    /// <summary>Asks the client, and waits for its answer.</summary>
    /// <exception cref="RpcException">It answered with an error.</exception>
    public async Task<JsonElement> AskAsync(string method, Action<Utf8JsonWriter> writeParameters, CancellationToken cancellationToken)
    {
        var id = string.Create(CultureInfo.InvariantCulture, $"pyresolve-{Interlocked.Increment(ref _lastId)}");
        var answer = new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
        _asked[id] = answer;
        try
        {
            await SendAsync(writer =>
            {
                writer.WriteString("id", id);
                WriteCall(writer, method, writeParameters);
            });
            return await answer.Task.WaitAsync(cancellationToken);
        }
        finally
        {
            _asked.TryRemove(id, out _);
        }
    }

    public Task NotifyAsync(string method, Action<Utf8JsonWriter> writeParameters) =>
        SendAsync(writer => WriteCall(writer, method, writeParameters));

    public void Dispose() => _sending.Dispose();

    private Task Take(string line, Answer answer)
    {
        RpcMessage message;
        try
        {
            message = RpcMessage.Parse(line);
        }
        catch (RpcException e)
        {
            return SendErrorAsync(id: null, e);
        }

        if (message.IsAnswer)
        {
            TakeAnswer(message);
            return Task.CompletedTask;
        }
        if (!message.IsRequest)
            return message.Method == "notifications/cancelled" ? CancelAsync(message) : Task.CompletedTask;

        // Before the next message is read, which may cancel it.
        var id = message.Id!.Value.GetRawText();
        var cancelled = new CancellationTokenSource();
        if (!_running.TryAdd(id, cancelled))
            return SendErrorAsync(message.Id, new RpcException(RpcException.InvalidRequest, $"A request with the id {id} is running."));
        return Task.Run(() => RunOneAsync(id, message, answer, cancelled), CancellationToken.None);
    }

    private void TakeAnswer(RpcMessage message)
    {
        if (message.Id is not { ValueKind: JsonValueKind.String } id || !_asked.TryGetValue(id.GetString()!, out var waiting))
            return;
        if (message.Result is { } result)
            waiting.TrySetResult(result);
        else
            waiting.TrySetException(new RpcException(RpcException.InternalError, "The client could not answer a question."));
    }

    private Task CancelAsync(RpcMessage message) =>
        message.Parameters?.Find("requestId") is { } id && _running.TryGetValue(id.GetRawText(), out var cancelled)
            ? cancelled.CancelAsync()
            : Task.CompletedTask;

    private async Task RunOneAsync(string id, RpcMessage request, Answer answer, CancellationTokenSource cancelled)
    {
        try
        {
            var write = await answer(request, cancelled.Token);
            await SendAsync(writer =>
            {
                WriteId(writer, request.Id);
                writer.WriteStartObject("result");
                write(writer);
                writer.WriteEndObject();
            });
        }
        catch (Exception) when (cancelled.IsCancellationRequested)
        {
            // Nobody waits for an answer.
        }
        catch (RpcException e)
        {
            await SendErrorAsync(request.Id, e);
        }
        catch (Exception e)
        {
            await SendErrorAsync(request.Id, new RpcException(RpcException.InternalError, $"{e.GetType().Name}: {e.Message}"));
        }
        finally
        {
            _running.TryRemove(id, out _);
        }
    }

    private Task SendErrorAsync(JsonElement? id, RpcException error) => SendAsync(writer =>
    {
        WriteId(writer, id);
        writer.WriteStartObject("error");
        writer.WriteNumber("code", error.Code);
        writer.WriteString("message", error.Message);
        if (error.WriteData is { } write)
        {
            writer.WritePropertyName("data");
            write(writer);
        }
        writer.WriteEndObject();
    });

    private static void WriteId(Utf8JsonWriter writer, JsonElement? id)
    {
        writer.WritePropertyName("id");
        if (id is { } given)
            given.WriteTo(writer);
        else
            writer.WriteNullValue();
    }

    private static void WriteCall(Utf8JsonWriter writer, string method, Action<Utf8JsonWriter> writeParameters)
    {
        writer.WriteString("method", method);
        writer.WriteStartObject("params");
        writeParameters(writer);
        writer.WriteEndObject();
    }

    private async Task SendAsync(Action<Utf8JsonWriter> writeMembers)
    {
        using var line = new MemoryStream();
        await using (var writer = new Utf8JsonWriter(line, OneLine))
        {
            writer.WriteStartObject();
            writer.WriteString("jsonrpc", "2.0");
            writeMembers(writer);
            writer.WriteEndObject();
        }
        line.WriteByte((byte)'\n');

        await _sending.WaitAsync();
        try
        {
            await output.WriteAsync(line.GetBuffer().AsMemory(0, (int)line.Length));
            await output.FlushAsync();
        }
        catch (IOException)
        {
            // The client is gone, which the end of its input says too.
        }
        finally
        {
            _sending.Release();
        }
    }
}
