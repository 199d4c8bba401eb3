using System.Text.Json;

namespace PyResolve.Cli.Mcp;

/// <summary>
/// A server of the Model Context Protocol, in its versions with sessions, and in the one without (2026-07-28). It has tools and resources.
/// </summary>
internal sealed class McpServer(RpcConnection connection, McpTools tools, McpResources resources, string version)
{
    /// <summary>The one question that a tool asks.</summary>
    private const string Question = "confirm";

    private static readonly Action<Utf8JsonWriter> Nothing = static _ => { };

    /// <summary>For how long a client may use a list, which changes only with this program.</summary>
    private static readonly TimeSpan ListLifetime = TimeSpan.FromHours(1);

    private volatile McpClient _client = McpClient.Unknown;

    /// <summary>Serves until the client closes its end.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => connection.RunAsync(AnswerAsync, cancellationToken);

    private async Task<Action<Utf8JsonWriter>> AnswerAsync(RpcMessage request, CancellationToken cancellationToken)
    {
        var client = McpClient.Find(request) ?? _client;
        try
        {
            var write = await AnswerAsync(request, client, cancellationToken);
            return client.IsSessionless ? Complete(write) : write;
        }
        catch (McpQuestionException question)
        {
            return writer => WriteQuestion(writer, question.Message);
        }
    }

    private async Task<Action<Utf8JsonWriter>> AnswerAsync(RpcMessage request, McpClient client, CancellationToken cancellationToken) =>
        request.Method switch
        {
            "initialize" when !client.IsSessionless => Initialize(request),
            "ping" when !client.IsSessionless => Nothing,
            "server/discover" when client.IsSessionless => Discover,
            "tools/list" => WriteList("tools", McpLists.Tools, client),
            "tools/call" => await CallAsync(request, client, cancellationToken),
            "resources/list" => WriteList("resources", McpLists.Resources, client),
            "resources/templates/list" => WriteList("resourceTemplates", EmptyList(), client),
            "resources/read" => await ReadAsync(request, client, cancellationToken),
            _ => throw new RpcException(RpcException.MethodNotFound, $"There is no method {request.Method}."),
        };

    private Action<Utf8JsonWriter> Initialize(RpcMessage request)
    {
        _client = McpClient.Read(request);
        return writer =>
        {
            writer.WriteString("protocolVersion", McpClient.Negotiate(request.Parameters?.FindText("protocolVersion")));
            WriteAbilities(writer);
            writer.WritePropertyName("serverInfo");
            WriteIdentity(writer);
        };
    }

    private static void Discover(Utf8JsonWriter writer)
    {
        writer.WriteStartArray("supportedVersions");
        writer.WriteStringValue(McpClient.Sessionless);
        writer.WriteEndArray();
        WriteAbilities(writer);
        WriteLifetime(writer, ListLifetime);
    }

    private async Task<Action<Utf8JsonWriter>> CallAsync(RpcMessage request, McpClient client, CancellationToken cancellationToken)
    {
        var name = request.Parameters?.FindText("name")
            ?? throw new RpcException(RpcException.InvalidParams, "params.name is missing: the tool to call.");
        var call = new McpCall(
            name,
            new McpArguments(request.Parameters?.Find("arguments")),
            client.ShowsForms ? question => AskAsync(request, client, question, cancellationToken) : null,
            Progress(request));
        var result = await tools.CallAsync(call, cancellationToken);
        return writer =>
        {
            writer.WriteStartArray("content");
            writer.WriteStartObject();
            writer.WriteString("type", "text");
            writer.WriteString("text", result.Text);
            writer.WriteEndObject();
            writer.WriteEndArray();
            writer.WritePropertyName("structuredContent");
            result.Content.WriteTo(writer);
            writer.WriteBoolean("isError", result.IsError);
        };
    }

    private async Task<Action<Utf8JsonWriter>> ReadAsync(RpcMessage request, McpClient client, CancellationToken cancellationToken)
    {
        var uri = request.Parameters?.FindText("uri") ?? "";
        var text = await resources.ReadAsync(uri, cancellationToken);
        return writer =>
        {
            writer.WriteStartArray("contents");
            writer.WriteStartObject();
            writer.WriteString("uri", uri);
            writer.WriteString("mimeType", "application/json");
            writer.WriteString("text", text);
            writer.WriteEndObject();
            writer.WriteEndArray();
            if (client.IsSessionless)
                WriteLifetime(writer, TimeSpan.Zero);
        };
    }

    /// <summary>
    /// Asks the person in front of the client. With a session this is a request of its own. Without one, the client asks when it gets the
    /// question for an answer, and then sends its request again, together with the person's answer.
    /// </summary>
    private async Task<bool> AskAsync(RpcMessage request, McpClient client, string question, CancellationToken cancellationToken)
    {
        if (!client.IsSessionless)
            return IsYes(await connection.AskAsync("elicitation/create", writer => WriteForm(writer, question), cancellationToken));
        // The state ties the answer to the question: what was asked may have changed since.
        var isAnswered = request.Parameters?.FindText("requestState") == question;
        return isAnswered && request.Parameters?.Find("inputResponses")?.Find(Question) is { } answer
            ? IsYes(answer)
            : throw new McpQuestionException(question);
    }

    private static bool IsYes(JsonElement answer) => answer.FindText("action") == "accept";

    private Action<ProgressNote>? Progress(RpcMessage request) =>
        request.Parameters?.Find("_meta")?.Find("progressToken") is not { } token ? null : note => _ = connection.NotifyAsync(
            "notifications/progress",
            writer =>
            {
                writer.WritePropertyName("progressToken");
                token.WriteTo(writer);
                writer.WriteNumber("progress", note.Done);
                if (note.Total is { } total)
                    writer.WriteNumber("total", total);
                writer.WriteString("message", note.Text);
            });

    private Action<Utf8JsonWriter> Complete(Action<Utf8JsonWriter> write) => writer =>
    {
        writer.WriteString("resultType", "complete");
        WriteMeta(writer);
        write(writer);
    };

    private void WriteQuestion(Utf8JsonWriter writer, string question)
    {
        writer.WriteString("resultType", "input_required");
        WriteMeta(writer);
        writer.WriteStartObject("inputRequests");
        writer.WriteStartObject(Question);
        writer.WriteString("method", "elicitation/create");
        writer.WriteStartObject("params");
        WriteForm(writer, question);
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteString("requestState", question);
    }

    /// <summary>A form without fields: the person accepts or declines.</summary>
    private static void WriteForm(Utf8JsonWriter writer, string question)
    {
        writer.WriteString("message", question);
        writer.WriteStartObject("requestedSchema");
        writer.WriteString("type", "object");
        writer.WriteStartObject("properties");
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private void WriteMeta(Utf8JsonWriter writer)
    {
        writer.WriteStartObject("_meta");
        writer.WritePropertyName("io.modelcontextprotocol/serverInfo");
        WriteIdentity(writer);
        writer.WriteEndObject();
    }

    private void WriteIdentity(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("name", "pyresolve");
        writer.WriteString("title", "PyResolve");
        writer.WriteString("version", version);
        writer.WriteEndObject();
    }

    private static void WriteAbilities(Utf8JsonWriter writer)
    {
        writer.WriteStartObject("capabilities");
        writer.WriteStartObject("tools");
        writer.WriteEndObject();
        writer.WriteStartObject("resources");
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteString("instructions", McpLists.Instructions);
    }

    private static Action<Utf8JsonWriter> WriteList(string name, JsonElement list, McpClient client) => writer =>
    {
        writer.WritePropertyName(name);
        list.WriteTo(writer);
        if (client.IsSessionless)
            WriteLifetime(writer, ListLifetime);
    };

    private static void WriteLifetime(Utf8JsonWriter writer, TimeSpan lifetime)
    {
        writer.WriteNumber("ttlMs", (long)lifetime.TotalMilliseconds);
        writer.WriteString("cacheScope", "private");
    }

    private static JsonElement EmptyList()
    {
        using var document = JsonDocument.Parse("[]");
        return document.RootElement.Clone();
    }
}
