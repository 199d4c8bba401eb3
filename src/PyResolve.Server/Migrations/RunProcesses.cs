using System.Globalization;
using System.Text;

namespace PyResolve.Server.Migrations;

/// <summary>
/// The processes of one run: those of its session, all below them, those with its mark in their environment, and, where the run has a
/// user of its own, all of that user.
/// </summary>
/// <param name="mark">A variable of the environment, with its value, that only this run has.</param>
/// <param name="userId">The run's own user; null: the server's.</param>
internal sealed class RunProcesses(string mark, int? userId)
{
    private const int SignalKill = 9;
    private const int SignalTerminate = 15;
    private const int SignalStop = 19;
    private const int MaxSweeps = 250;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private readonly byte[] _mark = Encoding.UTF8.GetBytes(mark);

    /// <summary>The process that was started, which leads the session.</summary>
    public int Leader { get; set; }

    /// <summary>Counts the processes, and their memory together.</summary>
    public (int Count, long Bytes) Measure()
    {
        var processes = Find();
        return (processes.Count, processes.Sum(static process => process.Pages) * Environment.SystemPageSize);
    }

    public void Terminate()
    {
        foreach (var process in Find())
            NativeFiles.Kill(process.Id, SignalTerminate);
    }

    /// <summary>Kills the processes until none is left. They are stopped first, so that none starts another one meanwhile.</summary>
    /// <returns>Whether all are gone.</returns>
    public async Task<bool> KillAsync()
    {
        for (var sweep = 0; sweep < MaxSweeps; sweep++)
        {
            var processes = Find();
            if (processes.Count == 0)
                return true;
            foreach (var process in processes)
                NativeFiles.Kill(process.Id, SignalStop);
            foreach (var process in processes)
                NativeFiles.Kill(process.Id, SignalKill);
            await Task.Delay(Pause, CancellationToken.None);
        }

        return false;
    }

    /// <summary>Counts threads of all processes of this server's user, which count against the limit of a child that shares it.</summary>
    public static int CountThreadsOfUser() => ReadAll()
        .Where(static process => UserOf(process.Id) == NativeFiles.UserId)
        .Sum(static process => process.Threads);

    private List<Seen> Find()
    {
        var all = ReadAll().Where(static process => process.Id != Environment.ProcessId).ToList();
        var children = all.ToLookup(static process => process.Parent);
        var found = new Dictionary<int, Seen>();
        var queue = new Queue<Seen>(all.Where(IsMember));
        while (queue.TryDequeue(out var process))
        {
            if (!found.TryAdd(process.Id, process))
                continue;
            foreach (var child in children[process.Id])
                queue.Enqueue(child);
        }

        return [.. found.Values.Where(static process => !process.IsZombie)];
    }

    private bool IsMember(Seen process) =>
        (Leader > 0 && (process.Id == Leader || process.Session == Leader))
        || (userId is { } own ? UserOf(process.Id) == own : HasMark(process.Id));

    private bool HasMark(int processId)
    {
        try
        {
            return File.ReadAllBytes(PathOf(processId, "environ")).AsSpan().IndexOf(_mark) >= 0;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static IEnumerable<Seen> ReadAll() => Directory.EnumerateDirectories("/proc")
        .Select(static folder => Path.GetFileName(folder))
        .Select(static name => int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : 0)
        .Where(static id => id > 0)
        .Select(Read)
        .OfType<Seen>();

    private static Seen? Read(int processId)
    {
        try
        {
            var text = File.ReadAllText(PathOf(processId, "stat"));
            // The name, in parentheses, may have spaces and parentheses itself. After it: state, parent, group, session, …
            var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            return new Seen(
                processId, Number(fields[1]), Number(fields[3]), Number(fields[17]), Number(fields[21]), fields[0] is "Z" or "X");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or FormatException
            or ArgumentException or IndexOutOfRangeException or OverflowException)
        {
            return null;
        }
    }

    private static int UserOf(int processId)
    {
        try
        {
            var line = File.ReadLines(PathOf(processId, "status"))
                .FirstOrDefault(static line => line.StartsWith("Uid:", StringComparison.Ordinal));
            return line is null ? -1 : Number(line.Split('\t')[1]);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or FormatException
            or IndexOutOfRangeException)
        {
            return -1;
        }
    }

    private static int Number(string text) => int.Parse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);

    private static string PathOf(int processId, string file) => string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/{file}");

    private sealed record Seen(int Id, int Parent, int Session, int Threads, int Pages, bool IsZombie);
}
