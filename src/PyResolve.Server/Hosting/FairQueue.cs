using System.Diagnostics.CodeAnalysis;

namespace PyResolve.Server.Hosting;

/// <summary>What waits, by account. The accounts take turns, one item each. Not thread-safe.</summary>
internal sealed class FairQueue<T>
{
    private readonly Dictionary<Guid, Queue<T>> _byAccount = [];
    private readonly Queue<Guid> _rotation = [];

    public int Count { get; private set; }

    public int CountOf(Guid account) => _byAccount.TryGetValue(account, out var items) ? items.Count : 0;

    public void Enqueue(Guid account, T item)
    {
        if (!_byAccount.TryGetValue(account, out var items))
        {
            _byAccount[account] = items = [];
            _rotation.Enqueue(account);
        }

        items.Enqueue(item);
        Count++;
    }

    public bool TryDequeue([MaybeNullWhen(false)] out T item)
    {
        if (!_rotation.TryDequeue(out var account))
        {
            item = default;
            return false;
        }

        var items = _byAccount[account];
        item = items.Dequeue();
        Count--;
        if (items.Count > 0)
            _rotation.Enqueue(account);
        else
            _byAccount.Remove(account);
        return true;
    }
}
