using System.Diagnostics.CodeAnalysis;

namespace PyResolve.StripeSimulator.Objects;

/// <summary>The objects of one kind, by id and in the order of their creation.</summary>
internal sealed class ObjectTable<T>
    where T : StripeObject
{
    private readonly Dictionary<string, T> _byId = new(StringComparer.Ordinal);
    private readonly List<T> _inOrder = [];

    public IEnumerable<T> All => _inOrder;

    public IEnumerable<T> NewestFirst => Enumerable.Reverse(_inOrder);

    public T Add(T item)
    {
        _byId.Add(item.Id, item);
        _inOrder.Add(item);
        return item;
    }

    public bool Contains(string id) => _byId.ContainsKey(id);

    public bool TryGet(string id, [MaybeNullWhen(false)] out T item) => _byId.TryGetValue(id, out item);

    public T Get(string id) => _byId.TryGetValue(id, out var item) ? item : throw new KeyNotFoundException($"There is no '{id}'.");

    public void Remove(T item)
    {
        _byId.Remove(item.Id);
        _inOrder.Remove(item);
    }
}
