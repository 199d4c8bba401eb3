using System.Text.Json;

namespace PyResolve.Cli.Mcp;

/// <summary>A JSON-RPC message as it came: a request, a notification (without an id) or the answer to a request of ours.</summary>
internal sealed record RpcMessage(JsonElement? Id, string? Method, JsonElement? Parameters, JsonElement? Result)
{
    public bool IsRequest => Method is not null && Id is not null;

    public bool IsAnswer => Method is null && Id is not null;

    /// <exception cref="RpcException">The line is not a message.</exception>
    public static RpcMessage Parse(string line)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            var root = document.RootElement;
            var id = root.Find("id");
            if (root.ValueKind != JsonValueKind.Object || id?.ValueKind is not (null or JsonValueKind.String or JsonValueKind.Number))
                throw new RpcException(RpcException.InvalidRequest, "A message is an object, and its id a string or a number.");
            return new RpcMessage(id?.Clone(), root.FindText("method"), root.Find("params")?.Clone(), root.Find("result")?.Clone());
        }
        catch (JsonException)
        {
            throw new RpcException(RpcException.ParseError, "The line is not JSON.");
        }
    }
}

internal static class JsonElementExtensions
{
    extension(JsonElement element)
    {
        /// <summary>A member of an object; <see langword="null"/> where there is none, or it is null, or this is no object.</summary>
        public JsonElement? Find(string name) =>
            element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var member)
                && member.ValueKind != JsonValueKind.Null
                ? member
                : null;

        public string? FindText(string name) =>
            element.Find(name) is { ValueKind: JsonValueKind.String } member ? member.GetString() : null;
    }
}
