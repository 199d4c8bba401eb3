using Microsoft.Extensions.Logging;

namespace PyResolve.Client;

internal sealed partial class Outbox
{
    /// <summary>Adopts the events of processes that have ended, under this key or another of the same account. Without file locks nobody
    /// knows who has ended: then none.</summary>
    public int Adopt()
    {
        lock (_gate)
        {
            if (_released)
                return 0;
            Broken = null;
            var adopted = new List<Segment>();
            var unreadableFiles = new List<(string Path, string Reason)>();
            foreach (var path in AllSegments())
            {
                if (!HasLocks(path))
                    break;
                if (Segment.Adopt(path, time, out var unreadable) is not { } segment)
                {
                    if (unreadable is not null && _unreadable.Add(path))
                        unreadableFiles.Add((path, unreadable));
                    continue;
                }

                if (!TryRepair(segment, path))
                {
                    segment.Dispose();
                    continue;
                }

                if (segment.Count == 0)
                    segment.Delete();
                else
                    adopted.Add(segment);
            }

            _segments.InsertRange(0, adopted.OrderBy(static segment => segment.Oldest));
            var count = adopted.Sum(static segment => segment.Count);
            Count += count;
            unreadableFiles.ForEach(file => Log.Unreadable(logger, file.Path, file.Reason));
            return count;
        }
    }

    private bool HasLocks(string path)
    {
        if (_hasLocks is null && (_hasLocks = PrivateFile.HasLocks(path)) == false)
        {
            Warning = $"File locks do not work in {folder.Path}: usage events that another process left there are not sent. "
                + "Set PYRESOLVE_HOME to a folder on a local disk.";
            Log.MissingLocks(logger, Warning);
        }

        return _hasLocks != false;
    }

    private bool TryRepair(Segment segment, string path)
    {
        if (segment.Damaged is not { } content)
            return true;
        if (!rejected.KeepDamaged(path, content))
        {
            SetBroken(path, "it is damaged, and cannot be copied to the folder 'rejected'");
            return false;
        }

        try
        {
            segment.RemoveDamage();
            return true;
        }
        catch (IOException exception)
        {
            SetBroken(path, Redaction.Line(exception.Message));
            return false;
        }
    }

    private IEnumerable<string> AllSegments() => folder.Segments().Concat(account.OtherSegments());
}
