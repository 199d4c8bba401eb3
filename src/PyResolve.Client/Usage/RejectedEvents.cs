using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace PyResolve.Client;

/// <summary>Counts events that will never be sent, and keeps each in a file with the reason.</summary>
internal sealed partial class RejectedEvents(OutboxFolder folder, TimeProvider time, ILogger logger)
{
    private long _count;
    private PyResolveException? _last;

    public long Total => Interlocked.Read(ref _count);

    public PyResolveException? Last => Volatile.Read(ref _last);

    public void Keep(StoredEvent stored, PyResolveException reason)
    {
        var id = ReadId(stored);
        Count(reason);
        try
        {
            folder.KeepRejected(id, CreateReport(stored, reason));
            Log.Rejected(logger, id, reason.Code, reason.Message, folder.RejectedPath);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Log.Lost(logger, id, reason.Code, reason.Message, folder.RejectedPath, exception);
        }
    }

    /// <summary>Keeps a damaged file of the outbox. It counts as one event, because the number of unreadable events is unknown.</summary>
    public bool KeepDamaged(string path, byte[] content)
    {
        try
        {
            folder.KeepDamaged(Path.GetFileNameWithoutExtension(path), content);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }

        var reason = new PyResolveException(
            PyResolveErrorCodes.Damaged,
            $"{path} was damaged on its disk, so that usage events in it cannot be read. The file is kept in {folder.RejectedPath}.",
            "Check the disk.");
        Count(reason);
        Log.Damaged(logger, reason.Message);
        return true;
    }

    private void Count(PyResolveException reason)
    {
        Volatile.Write(ref _last, reason);
        Interlocked.Increment(ref _count);
        ClientTelemetry.UsageDiscarded.Add(1, new KeyValuePair<string, object?>("error.type", reason.Code));
    }

    private byte[] CreateReport(StoredEvent stored, PyResolveException reason)
    {
        using var report = new MemoryStream();
        using (var writer = new Utf8JsonWriter(report, new() { Indented = true }))
        {
            writer.WriteStartObject();
            writer.WriteString("rejected_at", time.GetUtcNow());
            writer.WriteString("code", reason.Code);
            writer.WriteString("reason", reason.Message);
            writer.WritePropertyName("event");
            writer.WriteRawValue(stored.Json);
            writer.WriteEndObject();
        }

        return report.ToArray();
    }

    private static Guid ReadId(StoredEvent stored)
    {
        using var document = JsonDocument.Parse(stored.Json);
        return document.RootElement.GetProperty("id").GetGuid();
    }

    private static partial class Log
    {
        [LoggerMessage(
            1,
            LogLevel.Warning,
            "Usage event {EventId} was rejected and is not sent again ({Code}): {Reason} It is kept in {Folder}.")]
        public static partial void Rejected(ILogger logger, Guid eventId, string code, string reason, string folder);

        [LoggerMessage(12, LogLevel.Error, "{Reason}")]
        public static partial void Damaged(ILogger logger, string reason);

        [LoggerMessage(
            5,
            LogLevel.Error,
            "Usage event {EventId} was rejected ({Code}): {Reason} It is lost, because {Folder} cannot be written.")]
        public static partial void Lost(ILogger logger, Guid eventId, string code, string reason, string folder, Exception exception);
    }
}
